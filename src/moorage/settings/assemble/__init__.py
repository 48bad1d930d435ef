"""From options to settings, theme by theme. What does not make sense together is added to the request's problems."""
