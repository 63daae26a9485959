"""Files of life events: read, published in batches, resumed, and reported where refused."""
