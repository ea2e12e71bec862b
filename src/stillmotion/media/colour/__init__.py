"""Colour: conversion of a picture's own space to sRGB, by its profile, primaries and transfer."""
