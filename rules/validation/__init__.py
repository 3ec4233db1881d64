"""What is wrong with a settings file, in words."""
