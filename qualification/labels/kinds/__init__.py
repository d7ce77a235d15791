"""One plug-in for each kind of answer: how it is read, compared and merged."""
