"""What people and machines read: findings as text, and the records behind every report."""
