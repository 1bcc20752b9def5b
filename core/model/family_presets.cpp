#include "model/family_presets.hpp"

#include <algorithm>

namespace trunkline {
namespace {

struct Preset {
  std::string_view family;
  std::string_view words;  // with blanks between them
  const char* json;
};

constexpr Preset
    kPresets
        [] =
            {
                {"qwen", "qwen tongyi",
                 R"({"family": "qwen", "model_id": "Qwen/Qwen3-8B", "recommended_models": ["Qwen/Qwen3-8B", "qwen-plus", "Qwen/Qwen3-32B"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "json_decision_v1", "context_window": 128000, "tools": "api", "native_tool_calls": true})"},
                {"nex", "nex-agi/ nex-n2 nex-ii",
                 R"({"family": "nex", "model_id": "nex-agi/nex-n2", "recommended_models": ["nex-agi/nex-n2", "nex-agi/Nex-N2-Pro"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "json_decision_v1", "context_window": 262144, "tools": "api", "native_tool_calls": true})"},
                {"glm", "glm- zai-org/glm- zai-org/glm",
                 R"({"family": "glm", "model_id": "GLM-5.1-sii", "recommended_models": ["GLM-5.1-sii", "zai-org/GLM-5.1-FP8"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "json_decision_v1", "context_window": 200000, "tools": "api", "native_tool_calls": true})"},
                {"kimi", "kimi moonshot k2",
                 R"({"family": "kimi", "model_id": "kimi-k2-0905-preview", "recommended_models": ["kimi-k2-0905-preview", "moonshot-v1-128k"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "json_decision_v1", "context_window": 128000, "tools": "api", "native_tool_calls": true})"},
                {"minimax", "minimax- minimax/ m2.5 abab",
                 R"({"family": "minimax", "model_id": "MiniMax-M2.5", "recommended_models": ["MiniMax-M2.5"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "minimax_tool_call_v1", "context_window": 128000, "tools": "api", "native_tool_calls": true})"},
                {"gpt-oss", "gpt-oss",
                 R"({"family": "gpt-oss", "model_id": "gpt-oss-120b", "recommended_models": ["gpt-oss-120b", "gpt-oss-20b"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "json_decision_v1", "context_window": 128000, "tools": "api", "native_tool_calls": false})"},
                {"gemma-4", "gemma-4 gemma4",
                 R"({"family": "gemma-4", "model_id": "gemma-4-31b-it", "recommended_models": ["gemma-4-31b-it", "gemma-4-26b-a4b-it"], "max_steps": 30, "max_tokens": 500000, "max_retries": 3, "temperature": 0.2, "protocol": "json_decision_v1", "context_window": 128000, "tools": "prompt", "native_tool_calls": false})"},
                {"openai", "gpt-4.1 gpt-4o o3 o4-mini chatgpt-4o", R"({"family": "openai", "model_id": "gpt-4.1", "recommended_models": ["gpt-4.1", "gpt-4o"], "protocol": "json_decision_v1", "context_window": 1047576, "tools": "api", "native_tool_calls": false})"},
                {"anthropic", "claude-",
                 R"({"family": "anthropic", "model_id": "claude-sonnet-4-5", "recommended_models": ["claude-sonnet-4-5"], "protocol": "react_text_v1", "context_window": 200000, "tools": "prompt", "native_tool_calls": false})"},
                {"gemini", "gemini-",
                 R"({"family": "gemini", "model_id": "gemini-2.5-pro", "recommended_models": ["gemini-2.5-pro"], "protocol": "xml_decision_v1", "context_window": 1048576, "tools": "prompt", "native_tool_calls": false})"},
                {"deepseek", "deepseek ds-v4 ds-v3 deepseek-",
                 R"({"family": "deepseek", "model_id": "ds-v4-pro", "recommended_models": ["ds-v4-pro", "ds-v4-flash", "deepseek-chat"], "protocol": "json_decision_v1", "context_window": 128000, "tools": "api", "native_tool_calls": true})"},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(char a, char b) { return lower(a) == b; }

bool contains(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool fits(const Preset& preset, std::string_view model) {
  if (std::equal(model.begin(), model.end(), preset.family.begin(), preset.family.end(), same)) return true;
  for (std::string_view words = preset.words; !words.empty();) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (contains(model, word)) return true;
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return false;
}

}  // namespace

const char* family_preset(std::string_view model) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t begin = std::min(model.find_first_not_of(kBlanks), model.size());
  model.remove_prefix(begin);
  model = model.substr(0, model.find_last_not_of(kBlanks) + 1);
  if (model.empty()) return nullptr;
  const auto* found =
      std::find_if(std::begin(kPresets), std::end(kPresets), [&](const auto& preset) { return fits(preset, model); });
  return found == std::end(kPresets) ? nullptr : found->json;
}

}  // namespace trunkline
