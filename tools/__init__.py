"""What writes down what is generated, and draws what may be published."""
