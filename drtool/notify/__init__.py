"""Telling people of a run, by ways that can never hold it up."""
