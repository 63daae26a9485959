"""A synthetic town: people, departments that publish, devices that listen."""
