"""OpenAI's Responses API: the tool that the SDK sends is the documented one.

https://platform.openai.com/docs/guides/tools-connectors-mcp
"""

from vendor import OPENAI_RESPONSE, play, read_openai


def settings(url):
    return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "a-key"}


if __name__ == "__main__":
    play("openai", {"/v1/responses": OPENAI_RESPONSE}, settings, read_openai, "Nothing.\n")
