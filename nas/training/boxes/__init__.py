"""Learning to draw boxes round objects: what answers are matched with, what they cost, and how good they are."""
