"""What a user can do: values in, values out."""
