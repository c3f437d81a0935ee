"""A hosted tool of the OpenAI Agents SDK: what reaches OpenAI is the documented tool.

https://openai.github.io/openai-agents-python/mcp/
"""

from vendor import OPENAI_RESPONSE, play, read_openai


def settings(url):
    return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "a-key", "OPENAI_AGENTS_DISABLE_TRACING": "1"}


if __name__ == "__main__":
    play("openai-agents", {"/v1/responses": OPENAI_RESPONSE}, settings, read_openai, "Nothing.\n")
