"""What can be handed out to be labelled, and what is."""
