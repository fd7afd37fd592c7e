"""OpenAI's chat completions: what their clients send, and what they are shown."""
