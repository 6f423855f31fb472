/** EC2: the query form in, XML out. */
import { randomBytes } from 'node:crypto';
import { ACCOUNT } from './cloud.ts';
import { ACTIONS } from './ec2-actions.ts';
import { Ec2Error } from './ec2-error.ts';
import { Query } from './query.ts';
import type { Service } from './service.ts';
import { asEc2 } from './signature.ts';
import { answerXml, errorXml, XML } from './xml.ts';

export const EC2: Service = {
  name: 'ec2',
  actions: ACTIONS,
  read: ({ body }) => Query.ofForm(body),
  succeed: (action, requestId, result) => ({ type: XML, text: answerXml(action, requestId, result) }),
  fail: ({ code, message }, requestId) => ({ type: XML, text: errorXml(code, message, requestId) }),
  refusals: {
    signature: asEc2,
    unknown: (action) => new Ec2Error('InvalidAction', `The action ${action} is not valid for this web service.`),
    throttled: (action) =>
      new Ec2Error(
        'RequestLimitExceeded',
        `Request limit exceeded. Account ${ACCOUNT} has been throttled on ec2:${action} because it exceeded its request rate limit.`,
      ),
    denied: (why) =>
      new Ec2Error(
        'UnauthorizedOperation',
        // What is encoded, another call of AWS tells to those who may; it is another each time.
        `You are not authorized to perform this operation. ${why}. Encoded authorization failure message: ${randomBytes(60).toString('base64url')}`,
      ),
    fault: (code, message) => new Ec2Error(code, message),
  },
};
