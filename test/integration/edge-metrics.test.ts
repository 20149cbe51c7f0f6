import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ADMIN_TOKEN, bearer, startEdge, TOKEN, WireClient } from '../support/edge-node.ts';

it('GET /metrics tells what the node did and how it is', async (t) => {
  const { url } = await startEdge(t);
  const scrape = async () => {
    const response = await fetch(`${url}/metrics`, bearer(ADMIN_TOKEN));
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    return response.text();
  };
  const client = await WireClient.connect(t, url);
  await client.hello();
  await client.verify({ id: 1, context: [...Buffer.from('const a')], drafted: [101, 102], adapter: 'blue' });
  await fetch(`${url}/v1/models`, bearer(TOKEN));
  await fetch(`${url}/v1/models?key=secret`, bearer('ft_wrong'));
  await fetch(`${url}/made/up/path`);
  const text = await scrape();
  for (const line of [
    'foretype_edge_sessions 1',
    'foretype_edge_rounds_total{family="fake-1",outcome="verified"} 1',
    'foretype_edge_drafted_tokens_total{family="fake-1",adapter="blue"} 2',
    'foretype_edge_errors_total{code="unauthorized"} 1',
    'foretype_edge_errors_total{code="not-found"} 1',
    'foretype_edge_http_request_duration_seconds_count{method="GET",route="/v1/models",status="200"} 1',
    'foretype_edge_http_request_duration_seconds_count{method="GET",route="/v1/models",status="401"} 1',
    'foretype_edge_http_request_duration_seconds_count{method="(other)",route="(other)",status="404"} 1',
    'foretype_edge_engine_ready{family="fake-1"} 1',
    'foretype_edge_requests_running{family="fake-1"} 0',
    'foretype_edge_memory_resident_bytes{process="engine",family="fake-1"} 2000',
    'foretype_edge_memory_budget_bytes +Inf',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is missing`);
  }
  assert.doesNotMatch(text, /secret|made\/up|ft_/);

  client.socket.close(1000);
  await client.closed;
  await t.waitFor(async () => assert.match(await scrape(), /^foretype_edge_sessions 0$/mu));
});
