"""The only writer: transactions, group commit, projections, linking, erasure, retention."""
