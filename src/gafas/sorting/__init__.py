"""Sort photos into folders by what their faces wear, safely: nothing is overwritten or lost."""
