"""Doors of movies: `public` for everybody, `admin` for staff."""
