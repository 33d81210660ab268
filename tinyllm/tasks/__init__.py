"""What models are trained for: tagging, translation."""
