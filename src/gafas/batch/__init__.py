"""A million photos: on one machine or on a cluster, begun again as often as it takes."""
