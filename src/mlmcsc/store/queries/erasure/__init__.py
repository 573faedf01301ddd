"""What erasing a person does in the database."""
