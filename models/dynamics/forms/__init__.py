"""The forms of dynamics, one a file: each computes the right-hand side of one or several families."""
