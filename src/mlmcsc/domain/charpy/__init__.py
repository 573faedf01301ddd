"""Charpy impact tests: shear fracture appearance, and how toughness goes with temperature."""
