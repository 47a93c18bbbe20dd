"""Pure folds over events."""
