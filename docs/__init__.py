"""What the documents are made from: the architecture's picture and the monthly cost."""
