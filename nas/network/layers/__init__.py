"""What blocks share, once each: attention, relative bias, squeeze-and-excitation, shortcuts, drop path."""
