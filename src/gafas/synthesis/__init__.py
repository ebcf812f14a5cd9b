"""What is drawn, not photographed: glasses put on faces, and people who do not exist."""
