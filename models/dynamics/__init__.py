"""The equations of the families: reference, integrators, kernels."""
