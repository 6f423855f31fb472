/** The lifecycle hook that holds a machine of an Auto Scaling group up for Weft alone: a group may have more, each of another tool. */
export const DEFAULT_LIFECYCLE_HOOK = 'weft-drain';

/** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html, `LifecycleHookName` */
const FORM = /^[A-Za-z0-9\-_/]{1,255}$/;

export const isLifecycleHook = (text: string): boolean => FORM.test(text);
