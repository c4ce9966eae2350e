"""The lab guide's own tools: what is put into its pages, recorded for them, and checked of them."""
