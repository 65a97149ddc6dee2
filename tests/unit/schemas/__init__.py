"""The contract package: views, rules as documents, sums, findings."""
