/**
 * What stands between Lambda's Runtime API and a handler, as the program text that `node --eval` runs: beside the bundle, which holds nothing of it.
 * It speaks https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html as far as a handler that returns promises needs.
 */
export const BOOTSTRAP = String.raw`
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API: api, LAMBDA_TASK_ROOT: root, _HANDLER: handlerName } = process.env;
const agent = new http.Agent({ keepAlive: true });
const ask = (method, place, body = '') =>
  new Promise((resolve, reject) => {
    const url = 'http://' + api + '/2018-06-01/runtime/' + place;
    const request = http.request(url, { method, agent, headers: { 'content-length': Buffer.byteLength(body) } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => (text += part));
      answer.on('end', () => resolve({ headers: answer.headers, text }));
    });
    request.on('error', reject).end(body);
  });
const told = (error) =>
  JSON.stringify({ errorType: error?.code ?? error?.name ?? 'Error', errorMessage: String(error?.message ?? error), stackTrace: String(error?.stack).split('\n') });
const dies = (error) => {
  console.error(error);
  process.exit(129);
};
process.on('uncaughtException', dies);
process.on('unhandledRejection', dies);

let handler;
try {
  const [file, name] = handlerName.split('.');
  handler = (await import(pathToFileURL(path.join(root, file + '.mjs'))))[name];
  if (typeof handler !== 'function') throw new Error(handlerName + ' is no function');
} catch (error) {
  await ask('POST', 'init/error', told(error));
  dies(error);
}
for (;;) {
  const { headers, text } = await ask('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const context = {
    awsRequestId: id,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: '/aws/lambda/' + process.env.AWS_LAMBDA_FUNCTION_NAME,
    logStreamName: 'lab',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Number(headers['lambda-runtime-deadline-ms']) - Date.now()),
  };
  try {
    const answer = await handler(JSON.parse(text), context);
    await ask('POST', 'invocation/' + id + '/response', JSON.stringify(answer ?? null));
  } catch (error) {
    await ask('POST', 'invocation/' + id + '/error', told(error));
  }
}
`;
