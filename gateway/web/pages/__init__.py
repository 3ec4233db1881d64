"""The pages behind signed links, and sign-up."""
