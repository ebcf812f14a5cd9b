"""Tests of training and exporting."""
