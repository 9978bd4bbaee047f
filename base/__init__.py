"""What any program needs: errors, findings, frozen arrays, kernels, files that are read strictly and written whole."""
