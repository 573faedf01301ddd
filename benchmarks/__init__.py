"""How fast mlmcsc is, against baselines measured in the same run on the same machine."""
