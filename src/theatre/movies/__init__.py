"""Movies: films, genres and people of the catalogue, found in milliseconds."""
