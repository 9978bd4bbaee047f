"""CoreSpec to hardware."""
