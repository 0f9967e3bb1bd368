"""What the tests share: rendering, tools, objects, and the checkers that are themselves under test."""
