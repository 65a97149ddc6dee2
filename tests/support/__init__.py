"""What several tests need: valid datasets, named corruptions, containers, and a slow reader."""
