"""Where images come from that need no docker: archives, layouts, other registries. Each gives a parcel, ready to be put."""
