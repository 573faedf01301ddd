"""Pure rules: no input or output, no SQL, no clock."""
