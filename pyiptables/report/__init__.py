"""What people and programs read: one module for each form, none knows where the facts come from."""
