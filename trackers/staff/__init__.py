"""What staff see on the change pages of trackers and of carrier accounts."""
