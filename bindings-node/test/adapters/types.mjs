// What TypeScript makes of the adapters: checked by tsc, never run.
var __awaiter = (this && this.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};
var __generator = (this && this.__generator) || function (thisArg, body) {
    var _ = { label: 0, sent: function() { if (t[0] & 1) throw t[1]; return t[1]; }, trys: [], ops: [] }, f, y, t, g = Object.create((typeof Iterator === "function" ? Iterator : Object).prototype);
    return g.next = verb(0), g["throw"] = verb(1), g["return"] = verb(2), typeof Symbol === "function" && (g[Symbol.iterator] = function() { return this; }), g;
    function verb(n) { return function (v) { return step([n, v]); }; }
    function step(op) {
        if (f) throw new TypeError("Generator is already executing.");
        while (g && (g = 0, op[0] && (_ = 0)), _) try {
            if (f = 1, y && (t = op[0] & 2 ? y["return"] : op[0] ? y["throw"] || ((t = y["return"]) && t.call(y), 0) : y.next) && !(t = t.call(y, op[1])).done) return t;
            if (y = 0, t) op = [op[0] & 2, t.value];
            switch (op[0]) {
                case 0: case 1: t = op; break;
                case 4: _.label++; return { value: op[1], done: false };
                case 5: _.label++; y = op[1]; op = [0]; continue;
                case 7: op = _.ops.pop(); _.trys.pop(); continue;
                default:
                    if (!(t = _.trys, t = t.length > 0 && t[t.length - 1]) && (op[0] === 6 || op[0] === 2)) { _ = 0; continue; }
                    if (op[0] === 3 && (!t || (op[1] > t[0] && op[1] < t[3]))) { _.label = op[1]; break; }
                    if (op[0] === 6 && _.label < t[1]) { _.label = t[1]; t = op; break; }
                    if (t && _.label < t[2]) { _.label = t[2]; _.ops.push(op); break; }
                    if (t[2]) _.ops.pop();
                    _.trys.pop(); continue;
            }
            op = body.call(thisArg, _);
        } catch (e) { op = [6, e]; y = 0; } finally { f = t = 0; }
        if (op[0] & 5) throw op[1]; return { value: op[0] ? op[1] : void 0, done: true };
    }
};
import { Agent as MastraAgent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { tool as langChainTool } from '@langchain/core/tools';
import { Agent, tool as openAiTool } from '@openai/agents';
import { generateText, tool } from 'ai';
import { codeMode as aiSdk } from 'conduit-codemode/ai-sdk';
import { codeMode as langChain } from 'conduit-codemode/langchain';
import { codeMode as mastra } from 'conduit-codemode/mastra';
import { codeMode as openAi } from 'conduit-codemode/openai-agents';
import { createAgent } from 'langchain';
import { z } from 'zod';
var schema = z.object({ city: z.string() });
var one = await aiSdk({ weather: tool({ inputSchema: schema, execute: function (_a) {
            var city = _a.city;
            return ({ city: city });
        } }) }, { limits: { wallTimeMs: 1 } });
var text = (await generateText({ model: model, prompt: '', tools: one.tools, toolChoice: 'required' })).text;
text;
var two = await langChain([langChainTool(function (_a) {
        var city = _a.city;
        return city;
    }, { name: 'weather', schema: schema })], { language: 'python' });
createAgent({ model: 'openai:gpt', tools: two.tools });
var three = await mastra({ weather: createTool({ id: 'weather', description: '', inputSchema: schema, execute: function (_a) { return __awaiter(void 0, [_a], void 0, function (_b) {
            var city = _b.city;
            return __generator(this, function (_c) {
                return [2 /*return*/, city];
            });
        }); } }) });
new MastraAgent({ id: 'a', name: 'a', instructions: '', model: 'openai/gpt', tools: three.tools });
var four = await openAi([openAiTool({ name: 'weather', description: '', parameters: schema, execute: function (_a) {
            var city = _a.city;
            return city;
        } })]);
new Agent({ name: 'a', tools: four.tools });
for (var _i = 0, _a = [one, two, three, four]; _i < _a.length; _i++) {
    var mode = _a[_i];
    await mode.close();
}
// @ts-expect-error: no such option
await aiSdk({}, { limit: {} });
// @ts-expect-error: the tools are the first argument
await openAi([], { tools: {} });
// @ts-expect-error: a file has its own upstreams
await mastra({}, { config: 'conduit.yaml', upstreams: [] });
