#pragma once
// What answers are made of, face by face: the named types of /openapi.json (components/schemas). Each follows the code
// that writes it (chat/dialects/*_answer.cpp, server/routes); tests/api/answers.py holds real answers against them.

#include "server/openapi/shapes.h"

namespace shenbi::server::openapi {

Types openai_types();      ///< chat, completions, embeddings, models, tokens
Types openai_job_types();  ///< files, batches
Types responses_types();
Types anthropic_types();
Types ollama_types();
Types gemini_types();
Types compare_types();  ///< several models beside each other
Types page_types();
Types server_types();  ///< health, keys, upstreams

}  // namespace shenbi::server::openapi
