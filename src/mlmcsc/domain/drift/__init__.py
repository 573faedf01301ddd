"""Whether what comes in, is predicted and is labelled has changed, and why."""
