--- What is content in whatever a sender tells: prompts, answers, tool inputs and outputs, in the
--- names of those who send them.  It is dropped as it is read, at any depth, before anything is
--- stored, by whichever way it comes in; what a column or a decoder takes by its name stays.  A
--- sender that is missing here is a name in these lists.
local content = require "content"

return content {
  names = {
    "body", "prompt", "response", "response_text", "request_text", "tool_input",
    "tool_parameters", "arguments", "output", "input.value", "output.value",
    "traceloop.entity.input", "traceloop.entity.output", "input", "completion",
    "messages", "message", "content", "text", "system_prompt", "query", "question",
    "answer", "tool_arguments", "tool_response", "tool_result", "final_result",
    "all_messages_events", "events", "request_data", "response_data", "logfire.msg",
    "ai.value", "ai.values", "ai.schema", "ai.documents", "ai.ranking",
    "prompts", "completions", "inputs", "outputs", "answers", "choices", "contents",
    "instructions", "user_prompt", "user_message", "assistant_message", "request_body",
    "response_body", "proxy_server_request", "raw_request", "raw_response", "tool_calls",
    "tool_output", "function_args", "function_call", "reasoning_content", "reasoning_text",
    "thinking", "transcript", "new_context", "bash_command", "full_command",
    "retrieval_context", "documents", "document", "http.request.body", "http.response.body",
  },

  --- Whatever begins with one of these.
  prefixes = {
    "gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages",
    "gen_ai.output.messages", "gen_ai.tool.definitions", "gen_ai.system_instructions",
    "llm.input_messages", "llm.output_messages", "llm.prompts", "llm.completions",
    "trace.input", "trace.output", "span.input", "span.output", "ai.prompt",
    "ai.response.text", "ai.response.object", "ai.response.toolCalls",
    "ai.response.reasoning", "ai.response.files", "ai.toolCall.args",
    "ai.toolCall.result", "langfuse.observation.input", "langfuse.observation.output",
    "langfuse.trace.input", "langfuse.trace.output", "mlflow.spanInputs",
    "mlflow.spanOutputs", "gen_ai.event.content", "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result", "pydantic_ai.all_messages", "model_request_parameters",
    "gen_ai.choice", "gen_ai.user.message", "gen_ai.system.message", "gen_ai.assistant.message",
    "gen_ai.tool.message", "gen_ai.request.messages", "gen_ai.response.messages",
    "gen_ai.evaluation.explanation", "gen_ai.retrieval", "llm.prompt_template", "llm.tools",
    "llm.function_call", "llm.invocation_parameters", "llm.request.messages", "llm.response.text",
    "tool.parameters", "retrieval.documents", "reranker.input_documents",
    "reranker.output_documents", "reranker.query", "embedding.text", "embedding.embeddings",
    "input.audio", "output.audio",
    "traceloop.prompt", "tool.input", "tool.output", "agent.input", "agent.output",
    "crewai.task.description", "ai.embedding", "ai.result",
  },

  --- A text of more bytes than this is content, whatever its name.
  longest = 1024,
}
