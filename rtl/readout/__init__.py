"""Read-out: Johnson decoder, frames, image stream."""
