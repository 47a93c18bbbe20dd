# Follow a source whose past this data directory shares.
same_cluster
configure
release
scan
report
