"""The decision on one mail: considered, judged, filed."""
