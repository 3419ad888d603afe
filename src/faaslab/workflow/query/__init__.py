"""The two query languages of the Amazon States Language: JSONPath with intrinsic functions, and JSONata."""
